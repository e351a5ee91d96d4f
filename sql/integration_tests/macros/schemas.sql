{# Schemas by the names that the project gives them, as the job looks for `mmm`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
