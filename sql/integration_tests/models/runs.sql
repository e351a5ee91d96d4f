select 'the shop''s own' as runs
