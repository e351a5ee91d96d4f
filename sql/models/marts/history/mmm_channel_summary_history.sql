{{ every_publication('mmm_channel_summary') }}
