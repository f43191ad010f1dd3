-- What each person allowed or refused, by purpose and channel and by the system that heard it. A statement holds until the next one
-- of the same person, system, purpose and channel; systems that contradict each other stand side by side, and readers take the stricter.
with

statements as (
    select * from {{ ref('int_consent__statement') }}
),

mapped as (
    select
        statements.*,
        {{ mapped_contact_key() }} as contact_key,
        {{ mapped_account_key() }} as account_key,
        {{ surrogate_key([
            'statements.source_system', 'statements.source_instance', 'statements.source_object', 'statements.source_record_id',
            'statements.purpose_code', 'statements.channel_code', 'statements.stated_at', 'statements.is_granted'
        ]) }} as consent_key
    from statements
    {{ map_joins('statements') }}
    -- A statement of a person whom no live record knows any more permits nothing.
    where {{ mapped_contact_key() }} is not null
),

sequenced as (
    select
        *,
        lead(stated_at) over (
            partition by contact_key, source_system, source_instance, purpose_code, channel_code
            order by stated_at nulls first, is_granted desc nulls last, consent_key
        ) as next_stated_at,
        row_number() over (
            partition by contact_key, source_system, source_instance, purpose_code, channel_code
            order by stated_at desc nulls last, is_granted nulls last, consent_key desc
        ) as recency
    from mapped
),

final as (
    select
        consent_key,
        contact_key,
        account_key,
        purpose_code,
        channel_code,
        is_granted,
        legal_basis_code,
        statement_code,
        stated_at as valid_from,
        next_stated_at as valid_to,
        recency = 1 as is_current,
        source_system,
        source_instance,
        source_object,
        source_record_id,
        source_updated_at,
        loaded_at,
        load_id
    from sequenced
)

select * from final
