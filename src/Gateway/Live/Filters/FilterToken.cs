namespace Gateway.Live.Filters;

/// <summary>What a piece of a filter is.</summary>
internal enum FilterTokenKind
{
    /// <summary>A field, a value, or a word alone.</summary>
    Word,
    /// <summary>A value in double quotes.</summary>
    Quoted,
    /// <summary>A comparison.</summary>
    Operator,
    /// <summary><c>and</c>, <c>or</c> and <c>not</c>.</summary>
    Joiner,
    /// <summary><c>(</c></summary>
    Open,
    /// <summary><c>)</c></summary>
    Close,
    /// <summary>A quote that is never closed.</summary>
    Unclosed,
}

/// <summary>One piece of a filter and where it stands.</summary>
internal readonly record struct FilterToken(FilterTokenKind Kind, string Text, int Start, int Length)
{
    /// <summary>Cuts a filter into pieces. Any text can be cut.</summary>
    public static List<FilterToken> Cut(string text)
    {
        var tokens = new List<FilterToken>();
        for (var at = 0; at < text.Length;)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
                continue;
            }

            var token = Next(text, at);
            tokens.Add(token);
            at += token.Length;
        }

        return tokens;
    }

    private static FilterToken Next(string text, int start)
    {
        switch (text[start])
        {
            case '(':
                return new FilterToken(FilterTokenKind.Open, "(", start, 1);
            case ')':
                return new FilterToken(FilterTokenKind.Close, ")", start, 1);
            case '"':
                var end = text.IndexOf('"', start + 1);
                return end < 0
                    ? new FilterToken(FilterTokenKind.Unclosed, text[(start + 1)..], start, text.Length - start)
                    : new FilterToken(FilterTokenKind.Quoted, text[(start + 1)..end], start, end + 1 - start);
        }

        foreach (var symbol in (ReadOnlySpan<string>)["==", "!=", "<=", ">=", "&&", "||", "=", "<", ">", "~", "!"])
        {
            if (string.CompareOrdinal(text, start, symbol, 0, symbol.Length) != 0) continue;
            return symbol switch
            {
                "&&" => new FilterToken(FilterTokenKind.Joiner, "and", start, 2),
                "||" => new FilterToken(FilterTokenKind.Joiner, "or", start, 2),
                "!" => new FilterToken(FilterTokenKind.Joiner, "not", start, 1),
                _ => new FilterToken(FilterTokenKind.Operator, symbol == "==" ? "=" : symbol, start, symbol.Length),
            };
        }

        var stop = start;
        while (stop < text.Length && !char.IsWhiteSpace(text[stop]) && !"()\"=!<>~&|".Contains(text[stop], StringComparison.Ordinal)) stop++;
        // A lone & or | is a word that no field has: the parser says so.
        if (stop == start) stop++;
        var word = text[start..stop];
        var kind = word.ToUpperInvariant() switch
        {
            "AND" or "OR" or "NOT" => FilterTokenKind.Joiner,
            "IN" => FilterTokenKind.Operator,
            _ => FilterTokenKind.Word,
        };
        return new FilterToken(kind, kind == FilterTokenKind.Word ? word : word.ToLowerInvariant(), start, word.Length);
    }
}
