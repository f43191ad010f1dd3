{{ config(materialized='view') }}

-- What the ERP tells: leads and their fate, quotations, orders, invoices, mailings, conversations and ratings. A partner is a company
-- or a person, and the id says neither: it is offered as both, and only one of the two maps knows it.
{%- set trace_events = {
    'sent': ('sent_at', 'newsletter_sent'), 'opened': ('opened_at', 'newsletter_opened'), 'clicked': ('clicked_at', 'newsletter_clicked'),
    'replied': ('replied_at', 'email_inbound'), 'bounced': ('bounced_at', 'newsletter_bounced')
} %}
with

leads as (
    select * from {{ ref('stg_odoo__leads') }}
),

stages as (
    select * from {{ ref('stg_odoo__stages') }}
),

orders as (
    select * from {{ ref('stg_odoo__sale_orders') }}
),

order_costs as (
    select
        source_instance,
        order_record_id,
        sum(cost_amount) as cost_amount
    from {{ ref('int_order__line') }}
    where source_system = 'odoo' and not is_return
    group by source_instance, order_record_id
),

invoices as (
    select * from {{ ref('stg_odoo__invoices') }}
),

partner_addresses as (
    select
        source_instance,
        lower(trim(email)) as email,
        min(source_record_id) as partner_id
    from {{ ref('stg_odoo__partners') }}
    where email is not null
    group by source_instance, lower(trim(email))
),

traces as (
    select
        mailing_traces.*,
        case when mailing_traces.model = 'res.partner' then mailing_traces.res_id else partner_addresses.partner_id end as partner_id
    from {{ ref('stg_odoo__mailing_traces') }} as mailing_traces
    left join partner_addresses
        on
            mailing_traces.source_instance = partner_addresses.source_instance
            and lower(trim(mailing_traces.email)) = partner_addresses.email
),

messages as (
    select * from {{ ref('stg_odoo__messages') }}
),

ratings as (
    select * from {{ ref('stg_odoo__ratings') }}
    where consumed and rating > 0
),

responses as (
    select * from {{ ref('stg_odoo__survey_responses') }}
    where state = 'done' and not coalesce(test_entry, false)
),

lead_created as (
    select
        {{ touchpoint('leads', 'leads', 'created', {
            'touchpoint_type_code': "case when leads.type = 'lead' then 'lead_created' else 'deal_created' end",
            'occurred_at': 'leads.created_at',
            'account_record_id': 'leads.partner_id',
            'contact_record_id': 'leads.partner_id',
            'opportunity_record_id': 'leads.source_record_id',
            'campaign_record_id': "'utm:' || leads.campaign_id",
            'employee_record_id': 'leads.user_id',
            'opportunity_stage_category': "'open'"
        }) }}
    from leads
),

lead_converted as (
    select
        {{ touchpoint('leads', 'leads', 'converted', {
            'touchpoint_type_code': "'deal_created'",
            'occurred_at': 'leads.date_conversion',
            'account_record_id': 'leads.partner_id',
            'contact_record_id': 'leads.partner_id',
            'opportunity_record_id': 'leads.source_record_id',
            'employee_record_id': 'leads.user_id',
            'opportunity_stage_category': "'open'"
        }) }}
    from leads
    where leads.date_conversion is not null
),

lead_moved as (
    select
        {{ touchpoint('leads', 'leads', 'stage', {
            'touchpoint_type_code': "case when not leads.active then 'deal_lost' when stages.is_won then 'deal_won' else 'deal_stage_entered' end",
            'occurred_at': 'coalesce(case when not leads.active then leads.date_closed end, leads.date_last_stage_update)',
            'account_record_id': 'leads.partner_id',
            'contact_record_id': 'leads.partner_id',
            'opportunity_record_id': 'leads.source_record_id',
            'employee_record_id': 'leads.user_id',
            'opportunity_stage_category': "case when not leads.active then 'lost' when stages.is_won then 'won' else 'open' end",
            'source_metadata': json_object_text({'stage': 'leads.stage_name', 'lost_reason': 'leads.lost_reason_name'})
        }) }}
    from leads
    left join stages
        on leads.source_instance = stages.source_instance and leads.stage_id = stages.source_record_id
    where
        leads.type = 'opportunity'
        and coalesce(case when not leads.active then leads.date_closed end, leads.date_last_stage_update) > leads.created_at
),

quoted as (
    select
        {{ touchpoint('orders', 'sale_orders', 'quoted', {
            'touchpoint_type_code': "'quote_sent'",
            'occurred_at': 'orders.created_at',
            'account_record_id': 'orders.partner_id',
            'contact_record_id': 'orders.partner_id',
            'opportunity_record_id': 'orders.opportunity_id',
            'employee_record_id': 'orders.user_id'
        }) }}
    from orders
    where orders.state in ('sent', 'sale', 'done') and orders.website_id is null
),

ordered as (
    select
        {{ touchpoint('orders', 'sale_orders', 'ordered', {
            'touchpoint_type_code': "'order_placed'",
            'occurred_at': 'orders.date_order',
            'account_record_id': 'orders.partner_id',
            'contact_record_id': 'orders.partner_id',
            'opportunity_record_id': 'orders.opportunity_id',
            'order_record_id': 'orders.source_record_id',
            'campaign_record_id': "'utm:' || orders.campaign_id",
            'employee_record_id': 'orders.user_id',
            'gross_amount': 'orders.amount_total',
            'net_amount': 'orders.amount_untaxed',
            'margin_amount': 'orders.amount_untaxed - order_costs.cost_amount',
            'currency_code': 'orders.currency_code',
            'source_metadata': json_object_text({'order_number': 'orders.name'})
        }) }}
    from orders
    left join order_costs
        on orders.source_instance = order_costs.source_instance and orders.source_record_id = order_costs.order_record_id
    where orders.state in ('sale', 'done')
),

invoiced as (
    select
        {{ touchpoint('invoices', 'invoices', 'invoiced', {
            'touchpoint_type_code': "case invoices.move_type when 'out_invoice' then 'invoice_issued' else 'refund_issued' end",
            'occurred_at': 'cast(invoices.invoice_date as timestamp)',
            'account_record_id': 'invoices.commercial_partner_id',
            'contact_record_id': 'invoices.partner_id',
            'employee_record_id': 'invoices.invoice_user_id',
            'gross_amount': "case when invoices.move_type = 'out_refund' then -invoices.amount_total end",
            'net_amount': "case when invoices.move_type = 'out_refund' then -invoices.amount_untaxed end",
            'currency_code': 'invoices.currency_code'
        }) }}
    from invoices
    where invoices.state = 'posted' and invoices.move_type in ('out_invoice', 'out_refund') and invoices.invoice_date is not null
),

{% for event, told in trace_events.items() %}
trace_{{ event }} as (
    select
        {{ touchpoint('traces', 'mailing_traces', event, {
            'touchpoint_type_code': "'" ~ told[1] ~ "'",
            'occurred_at': 'traces.' ~ told[0],
            'account_record_id': 'traces.partner_id',
            'contact_record_id': 'traces.partner_id',
            'campaign_record_id': "'mailing:' || traces.mass_mailing_id"
        }) }}
    from traces
    where traces.{{ told[0] }} is not null
),

{% endfor %}
conversed as (
    select
        {{ touchpoint('messages', 'messages', 'message', {
            'touchpoint_type_code': "case
                when lower(messages.mail_activity_type_name) in ('call', 'anruf', 'phonecall') then 'call_outbound'
                when lower(messages.mail_activity_type_name) in ('meeting', 'besprechung', 'termin') then 'meeting_held'
                when messages.message_type = 'email' then 'email_inbound'
                else 'email_outbound'
            end",
            'occurred_at': 'messages.sent_at',
            'account_record_id': "case when messages.model = 'res.partner' then messages.res_id else leads.partner_id end",
            'contact_record_id': "case when messages.message_type = 'email' then messages.author_id else leads.partner_id end",
            'opportunity_record_id': "case when messages.model = 'crm.lead' then messages.res_id end"
        }) }}
    from messages
    left join leads
        on
            messages.source_instance = leads.source_instance
            and messages.model = 'crm.lead'
            and messages.res_id = leads.source_record_id
    where
        messages.model in ('crm.lead', 'res.partner')
        and not coalesce(messages.is_internal, false)
        and (
            messages.message_type in ('email', 'email_outgoing')
            or lower(messages.mail_activity_type_name) in ('call', 'anruf', 'phonecall', 'meeting', 'besprechung', 'termin')
        )
),

rated as (
    select
        {{ touchpoint('ratings', 'ratings', 'rated', {
            'touchpoint_type_code': "'csat_response'",
            'occurred_at': 'coalesce(ratings.source_updated_at, ratings.created_at)',
            'account_record_id': 'ratings.partner_id',
            'contact_record_id': 'ratings.partner_id',
            'rating_value': 'ratings.rating',
            'rating_scale': "'1-5'",
            'sentiment_code': "case when ratings.rating >= 4 then 'positive' when ratings.rating >= 3 then 'neutral' else 'negative' end"
        }) }}
    from ratings
),

answered as (
    select
        {{ touchpoint('responses', 'survey_responses', 'answered', {
            'touchpoint_type_code': "'survey_answered'",
            'occurred_at': 'coalesce(responses.source_updated_at, responses.created_at)',
            'account_record_id': 'responses.partner_id',
            'contact_record_id': 'responses.partner_id',
            'rating_value': 'responses.scoring_percentage',
            'rating_scale': "'0-100'"
        }) }}
    from responses
)

select * from lead_created
union all
select * from lead_converted
union all
select * from lead_moved
union all
select * from quoted
union all
select * from ordered
union all
select * from invoiced
{% for event in trace_events %}
union all
select * from trace_{{ event }}
{% endfor %}
union all
select * from conversed
union all
select * from rated
union all
select * from answered
