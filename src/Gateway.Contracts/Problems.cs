namespace Gateway.Contracts;

/// <summary>Problem details (RFC 9457) as the API sends them.</summary>
public sealed record ApiProblem
{
    /// <summary>What kind of problem; stable.</summary>
    public string? Type { get; init; }

    /// <summary>The kind in words.</summary>
    public string? Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public int? Status { get; init; }

    /// <summary>One sentence on this very case.</summary>
    public string? Detail { get; init; }

    /// <summary>All that was wrong, field by field.</summary>
    public IReadOnlyList<FieldError> Errors { get; init; } = [];
}

/// <summary>One thing wrong with one field.</summary>
/// <param name="Field">The member of the body, the query parameter or the header: <c>addresses[0]</c>.</param>
/// <param name="Detail">What was wrong.</param>
/// <param name="Expected">What would be right.</param>
public sealed record FieldError(string Field, string Detail, string Expected);
