using Microsoft.Extensions.Localization;

namespace Gateway.Components.Controls;

/// <summary>Sentences that count: one thing is written otherwise than many.</summary>
internal static class Plurals
{
    /// <summary>The text KEY.one for one thing, where the language has such a text, and KEY for any other number; the number is {0} in both.</summary>
    public static string Many(this IStringLocalizer texts, string key, long count, params ReadOnlySpan<object> more)
    {
        object[] arguments = [Format.Count(count), .. more];
        return count == 1 && texts[$"{key}.one", arguments] is { ResourceNotFound: false } one ? one : texts[key, arguments];
    }
}
