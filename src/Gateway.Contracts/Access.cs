namespace Gateway.Contracts;

/// <summary>What a user is.</summary>
public static class Roles
{
    /// <summary>Reads all but configs, users, tokens, audit and backups.</summary>
    public const string Viewer = "viewer";
    /// <summary>Also changes peers and routes, reads configs, explains and probes.</summary>
    public const string Operator = "operator";
    /// <summary>Does everything, except seeing packets, which is given by itself.</summary>
    public const string Admin = "admin";
}

/// <summary>What an API token may do.</summary>
public static class Scopes
{
    /// <summary>Read tunnels, peers, routes, interfaces, flows, drops, events, history.</summary>
    public const string Read = "read";
    /// <summary>Read configuration files of peers, keys included.</summary>
    public const string Configs = "configs";
    /// <summary>Change peers and routes.</summary>
    public const string Peers = "peers";
    /// <summary>Explain and probe.</summary>
    public const string Explain = "explain";
    /// <summary>See packets.</summary>
    public const string Packets = "packets";
    /// <summary>Everything else.</summary>
    public const string Admin = "admin";
}

/// <summary>Marks a member that holds a secret: records of changes say only whether it is set.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SecretAttribute : Attribute;

/// <summary>What a change with <c>dryRun=true</c> would do. Nothing was changed.</summary>
/// <param name="Changes">What would be saved.</param>
public sealed record PlanResponse(IReadOnlyList<PlannedChange> Changes)
{
    /// <summary>What would follow from it, a sentence each: routes, allowed IPs, sessions, devices, configs that clients have to fetch again.</summary>
    public IReadOnlyList<string> Effects { get; init; } = [];

    /// <summary>Conversations of the last hour that pass and would not any more; null where the change has nothing to do with what passes.</summary>
    public FlowForecast? Breaks { get; init; }

    /// <summary>Conversations of the last hour that were dropped or not answered, and would pass; null like <see cref="Breaks"/>.</summary>
    public FlowForecast? BeginsToPass { get; init; }

    /// <summary>Always true: so that nobody takes it for the change itself.</summary>
    public bool DryRun { get; init; } = true;
}

/// <summary>One thing that a change makes, alters or deletes.</summary>
/// <param name="Action">Such as <c>peer.update</c>.</param>
/// <param name="Subject">What it is called.</param>
/// <param name="Before">The members that change, as they are; null where it is made.</param>
/// <param name="After">The same members as they would be; null where it is deleted. Of secrets only whether they are set.</param>
public sealed record PlannedChange(string Action, string Subject, System.Text.Json.Nodes.JsonObject? Before, System.Text.Json.Nodes.JsonObject? After);
