-- What the resolution compares: companies and people of all systems in one shape, one row per live source record.
with

accounts as (
    select * from {{ ref('int_account__record') }}
),

contacts as (
    select * from {{ ref('int_contact__record') }}
),

final as (
    select
        'account' as entity_type,
        source_system,
        source_instance,
        source_record_id,
        name,
        legal_form,
        cast(null as {{ text_type() }}) as first_name,
        cast(null as {{ text_type() }}) as last_name,
        vat_id,
        register_no,
        domain,
        email,
        phone,
        street,
        postcode,
        city,
        country,
        parent_record_id,
        cast(null as {{ text_type() }}) as account_record_id,
        linked_system,
        linked_instance,
        linked_record_id,
        created_at,
        updated_at,
        loaded_at
    from accounts
    union all
    select
        'contact' as entity_type,
        source_system,
        source_instance,
        source_record_id,
        nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '') as name,
        cast(null as {{ text_type() }}) as legal_form,
        first_name,
        last_name,
        cast(null as {{ text_type() }}) as vat_id,
        cast(null as {{ text_type() }}) as register_no,
        cast(null as {{ text_type() }}) as domain,
        email,
        phone,
        street,
        postcode,
        city,
        country,
        cast(null as {{ text_type() }}) as parent_record_id,
        account_record_id,
        linked_system,
        linked_instance,
        linked_record_id,
        created_at,
        updated_at,
        loaded_at
    from contacts
)

select * from final
