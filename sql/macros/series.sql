{# The series that a raw row is of: null where its column is blank. #}
{% macro series_key(column) -%}
    {% if column -%}
        nullif(trim(cast({{ quoted(column) }} as varchar)), '')
    {%- else -%}
        {{ text_literal(var('input').series_key) }}
    {%- endif %}
{%- endmacro %}
