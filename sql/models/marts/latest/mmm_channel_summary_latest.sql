{{ published('mmm_channel_summary') }}
