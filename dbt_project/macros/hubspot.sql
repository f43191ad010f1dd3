{# What HubSpot's own words mean here. #}

{# Singular object name: 'companies' and 'company' -> 'company'. #}
{% macro hubspot_object(name) -%}
    case lower({{ name }})
        when 'companies' then 'company' when 'contacts' then 'contact' when 'deals' then 'deal' when 'tickets' then 'ticket'
        when 'calls' then 'call' when 'emails' then 'email' when 'meetings' then 'meeting' when 'notes' then 'note' when 'tasks' then 'task'
        when 'feedback_submissions' then 'feedback_submission' when 'line_items' then 'line_item' when 'products' then 'product'
        else lower({{ name }})
    end
{%- endmacro %}

{# Sentiment of an answer: NPS 0 to 10 (9 and more promote, 6 and less detract), CES 1 to 7, CSAT 1 to 5. #}
{% macro hubspot_sentiment(survey_type, value) -%}
    case
        when {{ value }} is null then null
        when upper({{ survey_type }}) = 'NPS' then case when {{ value }} >= 9 then 'positive' when {{ value }} >= 7 then 'neutral' else 'negative' end
        when upper({{ survey_type }}) = 'CES' then case when {{ value }} >= 6 then 'positive' when {{ value }} >= 4 then 'neutral' else 'negative' end
        else case when {{ value }} >= 4 then 'positive' when {{ value }} >= 3 then 'neutral' else 'negative' end
    end
{%- endmacro %}

{# The company, person and deal that an object of the CRM counts for; one row at most, so rows keep their number. #}
{% macro join_participants(alias, object_type, record_id=none) -%}
    left join {{ ref('int_hubspot__participant') }} as participants
        on
            {{ alias }}.source_instance = participants.source_instance
            and participants.from_type = '{{ object_type }}'
            and {{ record_id or alias ~ '.source_record_id' }} = participants.from_id
{%- endmacro %}

{# HubSpot's buying roles in the words of Webster and Wind. #}
{% macro buying_role(role) -%}
    case upper({{ role }})
        when 'DECISION_MAKER' then 'decider' when 'BUDGET_HOLDER' then 'buyer' when 'EXECUTIVE_SPONSOR' then 'decider'
        when 'CHAMPION' then 'initiator' when 'INFLUENCER' then 'influencer' when 'LEGAL_AND_COMPLIANCE' then 'gatekeeper'
        when 'BLOCKER' then 'gatekeeper' when 'END_USER' then 'user' when 'OTHER' then null
        else lower({{ role }})
    end
{%- endmacro %}

{# Legal basis for processing: HubSpot keeps a sentence; consent, contract and legitimate interest are told apart. #}
{% macro legal_basis(sentence) -%}
    case
        when lower({{ sentence }}) like '%consent%' then 'consent'
        when lower({{ sentence }}) like '%contract%' then 'contract'
        when lower({{ sentence }}) like '%customer%' then 'existing_customer_exemption'
        when lower({{ sentence }}) like '%legitimate%' then 'legitimate_interest'
        else 'none'
    end
{%- endmacro %}
