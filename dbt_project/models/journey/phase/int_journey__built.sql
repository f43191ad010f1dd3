-- What the journey was last made by. It comes after the journey: when that fails, the old fingerprint stays and the next run rebuilds all.
-- depends_on: {{ ref('fct_customer_journey') }}
select '{{ fingerprint('fct_customer_journey') }}' as fingerprint
