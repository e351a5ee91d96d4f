{# The model or the series of a raw row: null where the column that names it is blank; the same of
   all rows where no column names it. #}
{% macro key_of(column, of_all) -%}
    {% if column -%}
        {{ named_text(column) }}
    {%- else -%}
        {{ text_literal(of_all) }}
    {%- endif %}
{%- endmacro %}


{% macro named_text(column) -%}
    nullif(trim(cast({{ quoted(column) }} as {{ text_type() }})), '')
{%- endmacro %}


{# The rows of a table that an input reads: those of its models, or of all but others'. #}
{% macro rows_of(relation, input, model_column) -%}
    {{ relation }}
    {%- if model_column and input.only %}
    where {{ named_text(model_column) }} in ({{ text_literals(input.only) }})
    {%- elif model_column and input.all_but %}
    where coalesce({{ named_text(model_column) }}, '') not in ({{ text_literals(input.all_but) }})
    {%- endif %}
{%- endmacro %}


{% macro text_literals(texts) -%}
    {% for text in texts %}{{ text_literal(text) }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}


{# A table that the settings name. #}
{% macro named_table(table) -%}
    {{ api.Relation.create(schema=table.schema, identifier=table.table) }}
{%- endmacro %}


{# The longest silence, in days, that stands on more than a share of the days between the first row
   and the last. Of the silences s (days from one row to the next) a day is in one of T days or
   longer in sum(s - T for s > T) of sum(s) cases; the largest such T is a maximum over the longest
   ones. #}
{% macro usual_silence(share) -%}
    floor(max((days_of_longest - {{ share }} * days_of_all) / n_longest))
{%- endmacro %}
