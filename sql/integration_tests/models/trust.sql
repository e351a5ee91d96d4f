select 'the shop''s own' as trust
