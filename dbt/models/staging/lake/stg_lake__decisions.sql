with source as (

    select * from {{ source('lake', 'gold_decisions') }}

),

renamed as (

    select
        batch_date,
        decision_id,
        user_id,
        local_date,
        time_zone,
        horizon,
        decided_at,
        available,
        to_jsonb(unavailable_reasons) as unavailable_reasons,
        to_jsonb(triggers) as triggers,
        action,
        channel,
        send,
        probability,
        seed,
        candidates,
        features,
        payload,
        send_at,
        expires_at,
        policy_version,
        model,
        model_version
    from source

)

select * from renamed
