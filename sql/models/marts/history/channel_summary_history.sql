{{ believed('mmm_channel_summary') }}
