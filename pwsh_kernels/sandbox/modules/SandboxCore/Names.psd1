@{
    # Names are combined so that no pair repeats; the second form is what an alias and an address
    # can contain.
    First = @(
        'Adele', 'Ahmed', 'Aiko', 'Alex', 'Amara', 'Anders', 'Beatriz', 'Ben', 'Carla', 'Chen',
        'Chiara', 'Dana', 'David', 'Diego', 'Elena',
        'Emre', 'Erik', 'Farah', 'Felix', 'Grace', 'Grady', 'Hana', 'Henrietta', 'Ida', 'Imani',
        'Irvin', 'Isaiah', 'Ivan', 'Jana', 'Johanna',
        'Jonas', 'Joni', 'Kai', 'Kenji', 'Lee', 'Leila', 'Lidia', 'Lucas', 'Lynne', 'Maja', 'Marta',
        'Megan', 'Miriam', 'Nestor', 'Nia',
        'Noor', 'Olga', 'Omar', 'Patti', 'Pradeep', 'Raul', 'Rosa', 'Sami', 'Sofia', 'Theo', 'Uma',
        'Viktor', 'Wei', 'Yara', 'Zoë'
    )
    Last = @(
        'Abara', 'Andersen', 'Bauer', 'Bishop', 'Bowen', 'Cardoso', 'Castillo', 'Cho', 'Dahl',
        'Dubois', 'Eriksson', 'Fernandez', 'Fischer',
        'Gruber', 'Gupta', 'Haddad', 'Hansen', 'Ito', 'Ivanova', 'Jansen', 'Kaya', 'Keller', 'Kim',
        'Kowalski', 'Langer', 'Lindqvist',
        'Lopez', 'Marino', 'Meyer', 'Mueller', 'Nakamura', 'Novak', 'Núñez', 'Okafor', 'Olsen',
        'Osei', 'Patel', 'Petrov', 'Quinn', 'Rossi',
        'Saito', 'Santos', 'Schmidt', 'Sherman', 'Silva', 'Singh', 'Sturm', 'Tanaka', 'Vance',
        'Vogel', 'Wang', 'Wilber', 'Zimmermann'
    )
    Ascii = @{ 'Zoë' = 'Zoe'; 'Núñez' = 'Nunez' }
    Titles = @(
        'Specialist', 'Manager', 'Analyst', 'Engineer', 'Assistant', 'Director', 'Consultant',
        'Coordinator', 'Planner'
    )
}
