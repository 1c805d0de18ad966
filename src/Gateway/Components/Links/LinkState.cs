using Gateway.Features.Peers;

namespace Gateway.Components.Links;

/// <summary>What the page of a one-time link shows: whom it is for, what it gave, or that it is dead.</summary>
public sealed record LinkState
{
    /// <summary>Whom it is for, while it can be used.</summary>
    public string? Peer { get; init; }

    /// <summary>Until when it can be used.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The name of the file that it gave, once used.</summary>
    public string? FileName { get; init; }

    /// <summary>That file as an address that a browser saves.</summary>
    public string? Download { get; init; }

    /// <summary>Its QR code as a picture's address; null where it is too long for one or lacks its key.</summary>
    public string? Picture { get; init; }

    /// <summary>Whether it was used before, has expired, or never was.</summary>
    public bool IsDead => Peer is null && FileName is null;

    internal static LinkState Taken(ConfigFile file) => new()
    {
        FileName = file.FileName,
        Download = $"data:application/octet-stream;base64,{Convert.ToBase64String(file.Content)}",
        Picture = file.Text.Contains("\nPrivateKey = ", StringComparison.Ordinal) && QrPictures.Svg(file.Text) is { } svg ? $"data:image/svg+xml;base64,{Convert.ToBase64String(svg)}" : null,
    };
}
