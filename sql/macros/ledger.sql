{# The CRPS of a forecast by its quantiles at every 5 %, `FORECAST_PERCENTS` of tables.py: twice the
   mean loss over all levels. #}
{% macro crps_of_quantiles(actual) -%}
    (
        {%- for percent in range(5, 100, 5) %}
        {% set beyond = "(" ~ actual ~ " - outcome_q" ~ "%02d" % percent ~ ")" -%}
        {{ "+ " if not loop.first }}greatest(
            {{ percent / 100 }} * {{ beyond }}, {{ percent / 100 - 1 }} * {{ beyond }}
        )
        {%- endfor %}
    ) / 10
{%- endmacro %}
