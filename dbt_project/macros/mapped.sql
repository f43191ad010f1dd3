{# The joins from a source's own account and contact ids to the resolved keys, and from an amount's currency and day to its rate.
   All three relations are unique on what is joined, so the rows of `alias` keep their number. *_record_id columns of `alias` are used. #}

{% macro map_joins(alias) -%}
    left join {{ ref('int_identity__account_map') }} as account_map
        on
            {{ alias }}.source_system = account_map.source_system
            and {{ alias }}.source_instance = account_map.source_instance
            and {{ alias }}.account_record_id = account_map.source_record_id
    left join {{ ref('int_identity__contact_map') }} as contact_map
        on
            {{ alias }}.source_system = contact_map.source_system
            and {{ alias }}.source_instance = contact_map.source_instance
            and {{ alias }}.contact_record_id = contact_map.source_record_id
    left join {{ ref('int_identity__contact_account') }} as contact_account
        on
            contact_map.contact_key = contact_account.contact_key
            and contact_account.is_primary
{%- endmacro %}

{# The account of a mapped row: the record's own account is believed first, a person's company only fills in. #}
{% macro mapped_account_key() -%}
    coalesce(account_map.account_key, contact_account.account_key, {{ unknown_key() }})
{%- endmacro %}

{# The person of a mapped row; null rather than a wrong one. #}
{% macro mapped_contact_key() -%}
    contact_map.contact_key
{%- endmacro %}

{# A row without an amount looks up no rate. Said through the key and not as one more condition of the join, which DuckDB would answer
   by comparing every row with every rate. #}
{% macro rate_join(alias, day, amount) -%}
    left join {{ ref('int_exchange_rate__day') }} as exchange
        on
            case when {{ alias }}.{{ amount }} is not null then {{ alias }}.currency_code end = exchange.currency_code
            and cast({{ day }} as date) = exchange.rate_on
{%- endmacro %}

{# The country of a row as ISO code, by the name a source writes. Two letters are a code; a name that nobody has listed is no country
   rather than a code of its own. #}
{% macro country_join(country) -%}
    left join {{ ref('country_spelling') }} as spellings
        on lower(trim({{ country }})) = spellings.spelling
{%- endmacro %}

{% macro country_code(country) -%}
    coalesce(spellings.country_code, case when length(trim({{ country }})) = 2 then upper(trim({{ country }})) end)
{%- endmacro %}

{# An amount that may be multiplied: DuckDB gives the product of two decimals of 18 digits 18 digits again, and fails beyond. #}
{% macro wide(amount) -%}
    cast({{ amount }} as decimal(38, 4))
{%- endmacro %}

{# An amount in the reporting currency; null when its currency has no rate on that day. #}
{% macro reporting_amount(amount, currency_code) -%}
    cast(round({{ wide(amount) }} * case when {{ currency_code }} = '{{ var("reporting_currency") }}' then 1 else exchange.rate end, 2) as decimal(18, 2))
{%- endmacro %}
