@{
    # Names are combined so that no pair repeats; the second form is what an alias and an address can hold.
    First = @(
        'Adele', 'Ahmed', 'Aiko', 'Alex', 'Amara', 'Anders', 'Beatriz', 'Ben', 'Carla', 'Chen', 'Chiara', 'Dana', 'David', 'Diego', 'Elena',
        'Emre', 'Erik', 'Farah', 'Felix', 'Grace', 'Grady', 'Hana', 'Henrietta', 'Ida', 'Imani', 'Irvin', 'Isaiah', 'Ivan', 'Jana', 'Johanna',
        'Jonas', 'Joni', 'Kai', 'Kenji', 'Lee', 'Leila', 'Lidia', 'Lucas', 'Lynne', 'Maja', 'Marta', 'Megan', 'Miriam', 'Nestor', 'Nia',
        'Noor', 'Olga', 'Omar', 'Patti', 'Pradeep', 'Raul', 'Rosa', 'Sami', 'Sofia', 'Theo', 'Uma', 'Viktor', 'Wei', 'Yara', 'Zoë'
    )
    Last = @(
        'Abara', 'Andersen', 'Bauer', 'Bishop', 'Bowen', 'Cardoso', 'Castillo', 'Cho', 'Dahl', 'Dubois', 'Eriksson', 'Fernandez', 'Fischer',
        'Gruber', 'Gupta', 'Haddad', 'Hansen', 'Ito', 'Ivanova', 'Jansen', 'Kaya', 'Keller', 'Kim', 'Kowalski', 'Langer', 'Lindqvist',
        'Lopez', 'Marino', 'Meyer', 'Mueller', 'Nakamura', 'Novak', 'Núñez', 'Okafor', 'Olsen', 'Osei', 'Patel', 'Petrov', 'Quinn', 'Rossi',
        'Saito', 'Santos', 'Schmidt', 'Sherman', 'Silva', 'Singh', 'Sturm', 'Tanaka', 'Vance', 'Vogel', 'Wang', 'Wilber', 'Zimmermann'
    )
    Ascii = @{ 'Zoë' = 'Zoe'; 'Núñez' = 'Nunez' }
    Tenants = @{
        'contoso.example' = @{
            Seed = 4201
            Users = 204; Shared = 18; Rooms = 12; Equipment = 6
            Departments = @('Sales', 'Marketing', 'Finance', 'Engineering', 'Human Resources', 'Legal', 'Operations', 'Support')
            Offices = @('Oslo', 'Hamburg', 'Porto', 'Austin')
            Database = 'EURPR07DG{0:000}-db{1:000}'
            SharedNames = @('Accounts Payable', 'Careers', 'Customer Care', 'Events', 'Facilities', 'Helpdesk', 'Info', 'Invoices', 'Legal Intake',
                'Newsletter', 'Orders', 'Press', 'Privacy', 'Procurement', 'Returns', 'Sales Desk', 'Security Reports', 'Travel')
            Rules = @(
                @{ Name = 'Mark external mail'; State = 'Enabled'; Mode = 'Enforce'; Description = 'If the sender is outside the organization, prepend the subject with "[External]".' }
                @{ Name = 'Encrypt payroll'; State = 'Enabled'; Mode = 'Enforce'; Description = 'If the subject includes "payroll", apply rights protection "Encrypt".' }
                @{ Name = 'Block executable attachments'; State = 'Enabled'; Mode = 'Enforce'; Description = 'If any attachment has executable content, reject the message.' }
                @{ Name = 'Legal disclaimer'; State = 'Enabled'; Mode = 'Audit'; Description = 'If the recipient is outside the organization, append the disclaimer.' }
                @{ Name = 'Old journal copy'; State = 'Disabled'; Mode = 'Enforce'; Description = 'If the message is sent to the board, blind copy to the journal.' }
            )
        }
        'fabrikam.example' = @{
            Seed = 8117
            Users = 960; Shared = 60; Rooms = 24; Equipment = 16
            Departments = @('Assembly', 'Logistics', 'Quality', 'Research', 'Purchasing', 'Service')
            Offices = @('Osaka', 'Lyon', 'Toronto')
            Database = 'JPNPR01DG{0:000}-db{1:000}'
            SharedNames = @('Assembly Line', 'Gate', 'Warehouse', 'Spare Parts', 'Shift Plan', 'Calibration')
            Rules = @(
                @{ Name = 'Hold supplier invoices'; State = 'Enabled'; Mode = 'Enforce'; Description = 'If the message is from a supplier, forward it for approval to purchasing.' }
                @{ Name = 'Tag research'; State = 'Enabled'; Mode = 'AuditAndNotify'; Description = 'If the sender is a member of Research, set the header X-Fabrikam-Research.' }
                @{ Name = 'Size limit for service'; State = 'Enabled'; Mode = 'Enforce'; Description = 'If the message is larger than 25 MB, reject the message.' }
            )
        }
    }
}
