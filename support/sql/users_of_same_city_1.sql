-- The other users of the city where the one with this e-mail address or telephone number (E.164)
-- lives, the oldest account first. Who does not say where has no neighbours.
CREATE PROCEDURE support_users_of_same_city_1(
    IN p_contact VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN p_limit INT
)
SQL SECURITY INVOKER
BEGIN
    SELECT person.id AS user_id, person.first_name, person.last_name, person.email, person.phone,
        person.city, 1 AS number
    FROM accounts_user person
    JOIN (
        SELECT asked.id, asked.city FROM accounts_user asked WHERE asked.email = p_contact
        UNION
        SELECT asked.id, asked.city FROM accounts_user asked WHERE asked.phone = p_contact
    ) one ON one.city = person.city AND one.id <> person.id
    WHERE person.city <> ''
    ORDER BY person.id
    LIMIT p_limit;
END
