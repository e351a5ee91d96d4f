select
    model_key,
    channel,
    roi_mean
from {{ ref('mmm', 'mmm_channel_summary_latest') }}
where period = 'all'
