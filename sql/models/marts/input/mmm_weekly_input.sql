with

spine as (

    select * from {{ ref('mmm_int_weekly_spine') }}

),

weekly_values as (

    select * from {{ ref('mmm_int_weekly_values') }}

)

select
    ---------- keys
    spine.model_key,
    spine.series_key,
    spine.week_start,
    spine.variable,
    spine.role,

    ---------- measures
    weekly_values.value,

    ---------- what it was made from
    coalesce(weekly_values.n_rows, 0) as n_rows,
    coalesce(weekly_values.n_days, 0) as n_days,
    coalesce(weekly_values.n_unreadable, 0) as n_unreadable,
    weekly_values.unreadable_value,
    weekly_values.first_date,
    weekly_values.last_date,
    weekly_values.silent_since,
    coalesce(weekly_values.is_beyond_reports, false) as is_beyond_reports,

    ---------- whose settings made it
    {{ text_literal(var('mmm_settings_file', '')) }} as settings_file,
    {{ read_as('spine.model_key') }} as read_as
from spine
left join weekly_values
    on spine.model_key = weekly_values.model_key
    and spine.series_key = weekly_values.series_key
    and spine.week_start = weekly_values.week_start
    and spine.variable = weekly_values.variable

{{ rows_of_other_settings('select spine.model_key from spine') }}
