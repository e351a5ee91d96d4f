select 'the shop''s own' as weeks
