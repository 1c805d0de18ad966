using System.Text.Json.Serialization;

namespace Gateway.Contracts;

/// <summary>Which peers. All that is given must hold; nothing given means all of them.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public record PeerFilter
{
    /// <summary>The tunnel's name.</summary>
    public string? Tunnel { get; init; }

    /// <summary>A piece of the name or of a tag, or the beginning of an address, a route or the public key.</summary>
    public string? Search { get; init; }

    /// <summary>Exactly this tag.</summary>
    public string? Tag { get; init; }

    /// <summary>Only those that are enabled, or only those that are not.</summary>
    public bool? Enabled { get; init; }
}

/// <summary>Orders of a list of peers; a minus in front turns one round.</summary>
public static class PeerOrders
{
    /// <summary>Oldest first.</summary>
    public const string Created = "created";
    /// <summary>By name, letters without regard to case.</summary>
    public const string Name = "name";
    /// <summary>The next to expire first; those that never do come last.</summary>
    public const string Expires = "expires";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Created, Name, Expires];
}

/// <summary>What a bulk operation does.</summary>
public static class BulkActions
{
    /// <summary>Lets them in.</summary>
    public const string Enable = "enable";
    /// <summary>Lets them in no more; sessions end.</summary>
    public const string Disable = "disable";
    /// <summary>Deletes them with their routes.</summary>
    public const string Delete = "delete";
    /// <summary>Adds tags.</summary>
    public const string Tag = "tag";
    /// <summary>Takes tags away.</summary>
    public const string Untag = "untag";
    /// <summary>Sets when they expire; without a time, never.</summary>
    public const string Expire = "expire";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Enable, Disable, Delete, Tag, Untag, Expire];
}

/// <summary>One change to many peers: all of them or none.</summary>
public sealed record BulkRequest
{
    /// <summary><c>enable</c>, <c>disable</c>, <c>delete</c>, <c>tag</c>, <c>untag</c> or <c>expire</c>.</summary>
    public string? Action { get; init; }

    /// <summary>The peers. Either this or <see cref="Filter"/>.</summary>
    public IReadOnlyList<Guid>? Ids { get; init; }

    /// <summary>The peers, by what they have in common. An empty one means all.</summary>
    public PeerFilter? Filter { get; init; }

    /// <summary>With <c>tag</c> and <c>untag</c>.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>With <c>expire</c>; null = never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>What came of a bulk operation.</summary>
/// <param name="Matched">How many peers it was about.</param>
/// <param name="Changed">How many of them were not that way before.</param>
/// <param name="Revision">The revision that has it.</param>
public sealed record BulkResponse(int Matched, int Changed, long Revision);
