{# The series that a raw row is of: null where its column is blank. #}
{% macro series_key() -%}
    {% if var('input').series_column -%}
        nullif(trim(cast({{ quoted(var('input').series_column) }} as varchar)), '')
    {%- else -%}
        {{ text_literal(var('input').series_key) }}
    {%- endif %}
{%- endmacro %}
