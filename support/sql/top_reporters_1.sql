-- The users who sent most reports of a category; an empty one stands for all.
CREATE PROCEDURE support_top_reporters_1(
    IN p_category VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN p_limit INT
)
SQL SECURITY INVOKER
BEGIN
    SELECT person.id AS user_id, person.first_name, person.last_name, person.email, person.phone,
        person.city, COUNT(*) AS number
    FROM support_report report
    JOIN accounts_user person ON person.id = report.user_id
    WHERE p_category = '' OR report.category = p_category
    GROUP BY person.id, person.first_name, person.last_name, person.email, person.phone, person.city
    ORDER BY number DESC, person.id
    LIMIT p_limit;
END
