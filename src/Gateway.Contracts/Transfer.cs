namespace Gateway.Contracts;

/// <summary>The body that imports wg-quick files.</summary>
public sealed record ImportRequest
{
    /// <summary>The files: those of servers become tunnels with their peers, those of clients complete their peers.</summary>
    public IReadOnlyList<ImportFile>? Files { get; init; }

    /// <summary>What clients dial, host:port, for tunnels that are made; without it, what the clients' files say.</summary>
    public string? Endpoint { get; init; }
}

/// <summary>A wg-quick file.</summary>
public sealed record ImportFile
{
    /// <summary>Its name, such as wg0.conf: a server's names the tunnel, a client's the peer.</summary>
    public string? Name { get; init; }

    /// <summary>Its text.</summary>
    [Secret]
    public string? Text { get; init; }
}

/// <summary>What an import makes.</summary>
public sealed record ImportResponse
{
    /// <summary>Whether it was only tried.</summary>
    public required bool Preview { get; init; }

    /// <summary>Everything that is made or changed.</summary>
    public required IReadOnlyList<PlannedChange> Changes { get; init; }

    /// <summary>What was there already.</summary>
    public required IReadOnlyList<string> Skipped { get; init; }

    /// <summary>Lines that are not taken over. Commands are never run.</summary>
    public required IReadOnlyList<IgnoredLine> Ignored { get; init; }
}

/// <summary>A line of a file that an import does not take over.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Line">Counted from 1; 0 where it is not one line.</param>
/// <param name="Text">What stands there.</param>
/// <param name="Equivalent">What does the same here.</param>
public sealed record IgnoredLine(string File, int Line, string Text, string Equivalent);
