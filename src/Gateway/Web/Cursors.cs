using System.Buffers.Text;
using System.Text;
using Gateway.Contracts;

namespace Gateway.Web;

/// <summary>Where a list goes on: opaque to callers, the last key inside.</summary>
internal static class Cursors
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    // A name of 64 characters, at most 4 bytes each, and an id, in base64.
    private const int MaxCursorLength = 600;

    /// <summary>Reads <c>limit</c> and <c>cursor</c>; all that is wrong with them at once.</summary>
    public static Outcome<PageRequest> Read(int? limit, string? cursor)
    {
        var errors = new List<FieldError>();
        if (limit is < 1 or > MaxLimit)
            errors.Add(new FieldError("limit", $"{limit} is out of range.", $"It is 1 to {MaxLimit}; left out, {DefaultLimit}."));
        string? after = null;
        if (!string.IsNullOrEmpty(cursor) && !TryDecode(cursor, out after))
            errors.Add(new FieldError("cursor", "It is not one that this API gave.", "Send nextCursor of the page before, or leave it out for the first page."));
        return errors.Count > 0 ? Failure.Of(FailureKind.Malformed, errors) : new PageRequest(limit ?? DefaultLimit, after);
    }

    /// <summary>Reads <c>limit</c> and a <c>cursor</c> that holds an id.</summary>
    public static Outcome<(int Limit, Guid After)> ReadById(int? limit, string? cursor)
    {
        if (!Read(limit, cursor).Succeeded(out var page, out var failure)) return failure;
        var after = Guid.Empty;
        if (page.After is not null && !Guid.TryParse(page.After, out after))
            return Failure.Of(FailureKind.Malformed, "cursor", "It is not one that this list gave.", "Send nextCursor of the page before.");
        return (page.Limit, after);
    }

    /// <summary>Makes a page of what was read with one item more than the limit.</summary>
    public static Page<TItem> ToPage<TRow, TItem>(List<TRow> rows, int limit, Func<TRow, TItem> show, Func<TRow, string> key)
    {
        var more = rows.Count > limit;
        if (more) rows.RemoveAt(limit);
        return new Page<TItem>([.. rows.Select(show)], more ? Encode(key(rows[^1])) : null);
    }

    private static string Encode(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key));

    private static bool TryDecode(string cursor, out string? key)
    {
        key = null;
        if (cursor.Length > MaxCursorLength || !Base64Url.IsValid(cursor)) return false;
        key = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
        return true;
    }
}

/// <summary>How many items, and after which key.</summary>
internal sealed record PageRequest(int Limit, string? After);
