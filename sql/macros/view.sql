{#
    Replaces a view in place, so that its readers never miss it. dbt's own way on Postgres puts a
    new view beside the old one and drops that with all that reads it: our other views until they
    are built again, and other people's for good. A view whose columns have changed cannot be
    replaced; that one is dropped here too.
#}
{% materialization view, adapter='postgres' -%}

    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is not none -%}
        {%- set found = adapter.get_columns_in_relation(existing) | map(attribute='name') | list -%}
        {%- set wanted = get_column_schema_from_query(sql) | map(attribute='name') | list -%}
        {%- if not existing.is_view or found != wanted -%}
            {{ drop_relation_if_exists(existing) }}
        {%- endif -%}
    {%- endif -%}

    {% call statement('main') -%}
        {{ get_replace_view_sql(target, sql) }}
    {%- endcall %}

    {% do apply_grants(target, config.get('grants'), should_revoke(existing, full_refresh_mode=True)) %}
    {% do persist_docs(target, model) %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}

{%- endmaterialization %}
