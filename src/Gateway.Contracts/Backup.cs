namespace Gateway.Contracts;

/// <summary>The body that makes a backup.</summary>
public sealed record BackupRequest
{
    /// <summary>What the file is encrypted with: 12 to 200 characters. It is kept nowhere; without it the file is of no use.</summary>
    [Secret]
    public string? Passphrase { get; init; }
}

/// <summary>What a restore brought back.</summary>
public sealed record RestoreResponse
{
    /// <summary>When the backup was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The version that made it.</summary>
    public required string Version { get; init; }

    /// <summary>How many tunnels there are now.</summary>
    public required int Tunnels { get; init; }

    /// <summary>How many peers there are now.</summary>
    public required int Peers { get; init; }

    /// <summary>The revision that the restore made.</summary>
    public required long Revision { get; init; }

    /// <summary>Where in the data directory a backup of what was there before lies, with the same passphrase.</summary>
    public required string SafetyCopy { get; init; }
}
