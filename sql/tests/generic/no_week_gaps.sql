{% test no_week_gaps(model, column_name, by) %}

select {{ by }}
from {{ model }}
group by {{ by }}
having
    count(distinct {{ column_name }})
    <> (max({{ column_name }}) - min({{ column_name }})) / 7 + 1

{% endtest %}
