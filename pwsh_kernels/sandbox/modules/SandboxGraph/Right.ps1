# Who may do what: a request needs one of several permissions, and a person needs the role too.

$script:Permissions = @{
    'users.read'    = @(
        'User.ReadBasic.All', 'User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All',
        'Directory.ReadWrite.All'
    )
    'users.write'   = @('User.ReadWrite.All', 'Directory.ReadWrite.All')
    'me.read'       = @(
        'User.Read', 'User.ReadWrite', 'User.ReadBasic.All', 'User.Read.All', 'User.ReadWrite.All',
        'Directory.Read.All', 'Directory.ReadWrite.All'
    )
    'me.write'      = @('User.ReadWrite', 'User.ReadWrite.All', 'Directory.ReadWrite.All')
    'groups.read'   = @(
        'GroupMember.Read.All', 'Group.Read.All', 'Group.ReadWrite.All', 'Directory.Read.All',
        'Directory.ReadWrite.All'
    )
    'groups.write'  = @('Group.ReadWrite.All', 'Directory.ReadWrite.All')
    'organization'  = @(
        'User.Read', 'Organization.Read.All', 'Organization.ReadWrite.All', 'Directory.Read.All',
        'Directory.ReadWrite.All'
    )
}

function Assert-Right {
    param([hashtable] $Session, [string] $Right)
    $granted = $script:Permissions[$Right] | Where-Object { $Session.Scopes -contains $_ }
    $reader = $Right.EndsWith('.write') -and $Right -ne 'me.write' -and
        $Session.Identity.Role -ne 'Global Administrator'
    if (-not $granted -or $reader) {
        Stop-GraphRequest 403 'Authorization_RequestDenied' ('Insufficient privileges to ' +
            'complete the operation.')
    }
}

function Assert-Person {
    param([hashtable] $Session)
    if (-not $Session.Identity.Account.Contains('@')) {
        Stop-GraphRequest 400 'BadRequest' ('/me request is only valid with delegated ' +
            'authentication flow.')
    }
}
