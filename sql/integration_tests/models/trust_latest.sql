select 'the shop''s own' as verdict
