{% test starts_week(model, column_name) %}

select {{ column_name }}
from {{ model }}
where extract(isodow from {{ column_name }}) <> {{ iso_weekday(var('mmm_week_starts_on')) }}

{% endtest %}
