{# The rows of a mart that a build with another settings file has left, of models that this build has
   not: a build must not take away the input of models that it has never heard of. None in a mart
   that is new, or of an earlier version. `models_built` is the query of this build's models. #}
{% macro rows_of_other_settings(models_built) -%}
    {%- set file = var('mmm_settings_file', '') -%}
    {%- set existing = load_cached_relation(this) if execute and file else none -%}
    {%- if existing -%}
        {%- set found = adapter.get_columns_in_relation(existing)
            | map(attribute='name') | map('lower') | list -%}
        {%- set columns = model.columns.keys() | list -%}
        {%- if columns | reject('in', found) | list | length == 0 %}

union all

select {{ columns | join(', ') }}
from {{ existing }}
where
    settings_file <> {{ text_literal(file) }}
    and coalesce(model_key, '') not in ({{ models_built }})
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{# The fingerprint of how a model's input is read, which the job compares with its settings; the empty
   key is of the models that the table alone names. #}
{% macro read_as(model_key) -%}
    {%- set readings = var('mmm_readings', {}) -%}
    case
        when 1 = 0 then ''
        {%- for key in readings if key %}
        when {{ model_key }} = {{ text_literal(key) }} then {{ text_literal(readings[key]) }}
        {%- endfor %}
        else {{ text_literal(readings['']) if '' in readings else 'cast(null as ' ~ text_type() ~ ')' }}
    end
{%- endmacro %}
