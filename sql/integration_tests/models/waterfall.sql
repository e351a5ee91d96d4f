select 'the shop''s own' as waterfall
