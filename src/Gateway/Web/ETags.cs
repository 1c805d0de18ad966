using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace Gateway.Web;

/// <summary>Entity tags: the revision that changed a thing last (RFC 9110 §8.8.3).</summary>
internal static class ETags
{
    public static string Of(long revision) => string.Create(CultureInfo.InvariantCulture, $"\"{revision}\"");

    /// <summary>Whether a change may go on: no If-Match, "*", or one of its tags is the current one (strong comparison, RFC 9110 §13.1.1).</summary>
    public static bool Allows(string? ifMatch, long revision)
    {
        if (string.IsNullOrWhiteSpace(ifMatch)) return true;
        return EntityTagHeaderValue.TryParseList([ifMatch], out var tags)
            && tags.Any(tag => tag.Tag == "*" || (!tag.IsWeak && tag.Tag == Of(revision)));
    }

    public static void Write(HttpContext context, long revision) => context.Response.Headers.ETag = Of(revision);
}
