namespace Gateway.Contracts;

/// <summary>A crafted packet.</summary>
public sealed record PacketRequest
{
    /// <summary><c>device</c>: written as if a peer had sent it. <c>peer</c>: sent as if it had been read from the device.</summary>
    public string? To { get; init; }

    /// <summary>The peer's id or name, with <c>to</c> = <c>peer</c>.</summary>
    public string? Peer { get; init; }

    /// <summary>The packet (or frame, on ethernet) in hexadecimal; blanks are skipped.</summary>
    public string? Hex { get; init; }
}

/// <summary>What came of a crafted packet.</summary>
/// <param name="Written">True.</param>
/// <param name="Bytes">Its length.</param>
public sealed record PacketResponse(bool Written, int Bytes);
