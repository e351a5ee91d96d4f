{% test starts_week(model, column_name) %}

select {{ column_name }}
from {{ model }}
where {{ weekday_of(column_name) }} <> {{ iso_weekday(var('mmm_week_starts_on')) }}

{% endtest %}
