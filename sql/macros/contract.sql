{# A column for each variable of an input of version 1; none before it is built. #}
{% macro value_of_each_variable(input) -%}
    {%- if execute and load_relation(input) -%}
        {%- set found = run_query("select distinct variable from " ~ input ~ " order by variable") -%}
        {%- for variable in found.columns[0].values() %},
    max(case when variable = {{ text_literal(variable) }} then value end) as {{ quoted(variable) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
