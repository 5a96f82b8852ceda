@{
    # What a tenant has besides its people's mailboxes (SandboxCore defines those), and its mail
    # flow rules.
    'contoso.example' = @{
        Shared = 18; Rooms = 12; Equipment = 6
        Database = 'EURPR07DG{0:000}-db{1:000}'
        SharedNames = @('Accounts Payable', 'Careers', 'Customer Care', 'Events', 'Facilities',
            'Helpdesk', 'Info', 'Invoices', 'Legal Intake',
            'Newsletter', 'Orders', 'Press', 'Privacy', 'Procurement', 'Returns', 'Sales Desk',
            'Security Reports', 'Travel')
        Rules = @(
            @{
                Name = 'Mark external mail'
                State = 'Enabled'
                Mode = 'Enforce'
                Description = 'If the sender is outside the organization, prepend the subject with "[External]".'
            }
            @{
                Name = 'Encrypt payroll'
                State = 'Enabled'
                Mode = 'Enforce'
                Description =
                    'If the subject includes "payroll", apply rights protection "Encrypt".'
            }
            @{
                Name = 'Block executable attachments'
                State = 'Enabled'
                Mode = 'Enforce'
                Description = 'If any attachment has executable content, reject the message.'
            }
            @{
                Name = 'Legal disclaimer'
                State = 'Enabled'
                Mode = 'Audit'
                Description = 'If the recipient is outside the organization, append the disclaimer.'
            }
            @{
                Name = 'Old journal copy'
                State = 'Disabled'
                Mode = 'Enforce'
                Description = 'If the message is sent to the board, blind copy to the journal.'
            }
        )
    }
    'fabrikam.example' = @{
        Shared = 60; Rooms = 24; Equipment = 16
        Database = 'JPNPR01DG{0:000}-db{1:000}'
        SharedNames = @(
            'Assembly Line', 'Gate', 'Warehouse', 'Spare Parts', 'Shift Plan', 'Calibration'
        )
        Rules = @(
            @{
                Name = 'Hold supplier invoices'
                State = 'Enabled'
                Mode = 'Enforce'
                Description =
                    'If the message is from a supplier, forward it for approval to purchasing.'
            }
            @{
                Name = 'Tag research'
                State = 'Enabled'
                Mode = 'AuditAndNotify'
                Description =
                    'If the sender is a member of Research, set the header X-Fabrikam-Research.'
            }
            @{
                Name = 'Size limit for service'
                State = 'Enabled'
                Mode = 'Enforce'
                Description = 'If the message is larger than 25 MB, reject the message.'
            }
        )
    }
}
