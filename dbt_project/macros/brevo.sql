{# What Brevo's own words mean here. An event that is not listed keeps its name with the prefix newsletter_, and the test of the fact
   against the steward's table of touchpoint types shows it. #}
{% macro brevo_touchpoint_type(event) -%}
    case {{ event }}
        when 'sent' then 'newsletter_sent'
        when 'messagesSent' then 'newsletter_sent'
        when 'delivered' then 'newsletter_delivered'
        when 'opened' then 'newsletter_opened'
        when 'clicked' then 'newsletter_clicked'
        when 'unsubscribed' then 'newsletter_unsubscribed'
        when 'hard_bounce' then 'newsletter_bounced'
        when 'hardBounces' then 'newsletter_bounced'
        when 'soft_bounce' then 'newsletter_bounced'
        when 'softBounces' then 'newsletter_bounced'
        when 'complaint' then 'newsletter_complaint'
        when 'complaints' then 'newsletter_complaint'
        else 'newsletter_' || lower({{ event }})
    end
{%- endmacro %}
