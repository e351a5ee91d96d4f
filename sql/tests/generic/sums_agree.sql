{# The sum of a column is that of a finer model's, within one part in a billion of the amounts that
   are summed, in every group in which all of the finer rows can be read. #}
{% test sums_agree(model, column, finer, finer_column, by, finer_rows='1 = 1') %}

with

coarse_sums as (

    select
        {{ by | join(', ') }},
        sum({{ column }}) as total
    from {{ model }}
    group by {{ by | join(', ') }}

),

fine_sums as (

    select
        {{ by | join(', ') }},
        sum({{ finer_column }}) as total,
        sum(abs({{ finer_column }})) as size
    from {{ finer }}
    where {{ finer_rows }}
    group by {{ by | join(', ') }}
    having count(*) = count({{ finer_column }})

)

select *
from fine_sums
left join coarse_sums using ({{ by | join(', ') }})
where
    coarse_sums.total is null
    or abs(coarse_sums.total - fine_sums.total) > 1e-9 * fine_sums.size

{% endtest %}
