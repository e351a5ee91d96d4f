select
    orders.week as week_start,
    any_value(orders.revenue) as revenue,
    any_value(orders.competitor_price) as competitor_price,
    coalesce(sum(case when spend.platform = 'tv' then spend.spend end), 0) as tv,
    coalesce(sum(case when spend.platform = 'search' then spend.spend end), 0) as search,
    coalesce(sum(case when spend.platform = 'social' then spend.spend end), 0) as social
from {{ source('raw', 'orders') }} as orders
left join {{ source('raw', 'spend') }} as spend on orders.week = spend.week
group by orders.week
