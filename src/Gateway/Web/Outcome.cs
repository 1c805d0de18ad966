using Gateway.Contracts;

namespace Gateway.Web;

/// <summary>Why a request was not carried out; each has its HTTP status.</summary>
public enum FailureKind
{
    /// <summary>400: the request cannot be read.</summary>
    Malformed = 400,
    /// <summary>403: the caller may not do this.</summary>
    Forbidden = 403,
    /// <summary>404: there is no such thing.</summary>
    NotFound = 404,
    /// <summary>406: it cannot be shown in the form asked for.</summary>
    NotAcceptable = 406,
    /// <summary>409: it collides with what is there.</summary>
    Conflict = 409,
    /// <summary>412: it was changed since it was read.</summary>
    Changed = 412,
    /// <summary>413: the body is too large.</summary>
    TooLarge = 413,
    /// <summary>415: the body is of the wrong type.</summary>
    UnsupportedType = 415,
    /// <summary>422: it breaks a rule.</summary>
    Rule = 422,
    /// <summary>429: too often.</summary>
    TooMany = 429,
    /// <summary>503: something that it needs is not there.</summary>
    Unavailable = 503,
}

/// <summary>An expected failure: the words that the caller gets.</summary>
/// <param name="Kind">What sort of failure.</param>
/// <param name="Detail">All of it in sentences.</param>
/// <param name="Errors">Field by field, where fields were wrong.</param>
public sealed record Failure(FailureKind Kind, string Detail, IReadOnlyList<FieldError> Errors)
{
    internal static Failure NotFound(string what, string name) =>
        new(FailureKind.NotFound, $"There is no {what} '{name}'.", []);

    internal static Failure Of(FailureKind kind, string field, string detail, string expected) =>
        new(kind, $"{field}: {detail} {expected}", [new FieldError(field, detail, expected)]);

    internal static Failure Of(FailureKind kind, IReadOnlyList<FieldError> errors) =>
        new(kind, string.Join(' ', errors.Select(e => $"{e.Field}: {e.Detail} {e.Expected}")), errors);

    internal static Failure Changed(long revision) => Of(FailureKind.Changed, "If-Match",
        "It was changed since it was read.", $"Read it again; its ETag is now {ETags.Of(revision)}.");
}

/// <summary>A value, or why there is none. Expected failures are no exceptions.</summary>
internal readonly struct Outcome<T>
{
    private Outcome(T? value, Failure? failure)
    {
        Value = value;
        Failure = failure;
    }

    public T? Value { get; }

    public Failure? Failure { get; }

    public bool Succeeded([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? value,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Failure? failure)
    {
        (value, failure) = (Value, Failure);
        return failure is null;
    }

    internal static Outcome<T> FromValue(T value) => new(value, null);

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(Failure failure) => new(default, failure);
}

/// <summary>Makes outcomes of values that do not convert by themselves, as interfaces and delegates do not.</summary>
internal static class Outcome
{
    public static Outcome<T> Of<T>(T value) => Outcome<T>.FromValue(value);
}

/// <summary>Collects all broken rules of a request, so that they are told at once.</summary>
internal sealed class RuleErrors
{
    private readonly List<FieldError> _errors = [];

    public bool Any => _errors.Count > 0;

    public void Add(string field, string detail, string expected) => _errors.Add(new FieldError(field, detail, expected));

    public Failure ToFailure() => Failure.Of(FailureKind.Rule, _errors);
}
