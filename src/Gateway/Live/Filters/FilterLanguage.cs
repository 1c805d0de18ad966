using Gateway.Web;

namespace Gateway.Live.Filters;

/// <summary>
/// The filter expressions of flows, drops and events, over whatever fields a row has:
/// <code>
/// filter     = [ any ]
/// any        = all { "or" all }
/// all        = one { [ "and" ] one }
/// one        = "not" one | "(" any ")" | field operator value | word
/// operator   = "=" | "!=" | "&lt;" | "&lt;=" | "&gt;" | "&gt;=" | "~" | "in"
/// value      = word | '"' text '"'
/// </code>
/// A word alone is looked for where people would look for it, see the language's <c>alone</c>.
/// </summary>
/// <param name="fields">What can be asked for.</param>
/// <param name="alone">Makes the test of a word alone; null if the word says nothing.</param>
internal sealed class FilterLanguage<T>(IReadOnlyList<FilterField<T>> fields, Func<string, Func<T, bool>?> alone)
{
    private const int MaxLength = 1000, MaxDepth = 32;

    /// <summary>What can be asked for.</summary>
    public IReadOnlyList<FilterField<T>> Fields => fields;

    /// <summary>Reads a filter; null and empty let everything pass. What is wrong is told with its place.</summary>
    public Outcome<Func<T, bool>> Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return Outcome.Of<Func<T, bool>>(_ => true);
        if (text.Length > MaxLength) return Wrong($"It has {text.Length} characters.", $"At most {MaxLength}.");
        var parser = new Parser(this, FilterToken.Cut(text), text.Length);
        var test = parser.ReadAll();
        return test is null ? Wrong(parser.Detail, parser.Expected) : Outcome.Of(test);
    }

    /// <summary>What could stand at the caret, and what of the text it would take the place of.</summary>
    /// <param name="text">The filter so far.</param>
    /// <param name="caret">Where the next character would go.</param>
    /// <param name="known">More values for a field, such as the names of peers.</param>
    public FilterCompletion Complete(string text, int caret, Func<string, IEnumerable<string>>? known = null)
    {
        caret = Math.Clamp(caret, 0, text.Length);
        var tokens = FilterToken.Cut(text[..caret]);
        // The word at the caret is still being written.
        FilterToken? current = tokens.Count > 0 && tokens[^1] is { Kind: FilterTokenKind.Word or FilterTokenKind.Joiner or FilterTokenKind.Unclosed } last
            && last.Start + last.Length == caret && last.Text != "" ? last : null;
        if (current is not null) tokens.RemoveAt(tokens.Count - 1);
        var written = current?.Text ?? "";
        var words = WhatMayFollow(tokens, known).Where(word => word.TrimStart('"').StartsWith(written, StringComparison.OrdinalIgnoreCase)).Distinct(StringComparer.OrdinalIgnoreCase);
        return new FilterCompletion(current?.Start ?? caret, current?.Length ?? 0, [.. words.Take(50)]);
    }

    private IEnumerable<string> WhatMayFollow(List<FilterToken> tokens, Func<string, IEnumerable<string>>? known)
    {
        var last = tokens.Count > 0 ? tokens[^1] : default;
        var field = tokens.Count > 1 && last.Kind == FilterTokenKind.Operator ? Find(tokens[^2].Text) : null;
        if (tokens.Count > 0 && last.Kind == FilterTokenKind.Operator) return field is null ? [] : [.. field.Values, .. (known?.Invoke(field.Name) ?? []).Select(Quote)];
        if (tokens.Count > 0 && last.Kind == FilterTokenKind.Word && Find(last.Text) is { } named && (tokens.Count < 2 || tokens[^2].Kind != FilterTokenKind.Operator))
            return named.Operators.Select(Symbol);
        var names = fields.Select(candidate => candidate.Name);
        var isAfterTest = tokens.Count > 0 && last.Kind is FilterTokenKind.Word or FilterTokenKind.Quoted or FilterTokenKind.Close;
        return isAfterTest ? ["and", "or", .. names, "not"] : [.. names, "not", "("];
    }

    private FilterField<T>? Find(string name) => fields.FirstOrDefault(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static string Quote(string value) => value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? value : $"\"{value}\"";

    private static Failure Wrong(string detail, string expected) => Failure.Of(FailureKind.Malformed, "filter", detail, expected);

    private static string Symbol(FilterOperator comparison) => comparison switch
    {
        FilterOperator.Equal => "=",
        FilterOperator.NotEqual => "!=",
        FilterOperator.Less => "<",
        FilterOperator.LessOrEqual => "<=",
        FilterOperator.Greater => ">",
        FilterOperator.GreaterOrEqual => ">=",
        FilterOperator.Contains => "~",
        _ => "in",
    };

    /// <summary>Recursive descent, a method a rule. Null with the reason in <see cref="Detail"/> when a rule is broken.</summary>
    private sealed class Parser(FilterLanguage<T> language, List<FilterToken> tokens, int end)
    {
        private int _at, _depth;

        public string Detail { get; private set; } = "";

        public string Expected { get; private set; } = "";

        private FilterToken? Current => _at < tokens.Count ? tokens[_at] : null;

        public Func<T, bool>? ReadAll()
        {
            var test = ReadAny();
            if (test is not null && Current is { } rest) return Fail(rest, $"'{rest.Text}' has no place here", "Join tests with 'and' or 'or'.");
            return test;
        }

        private Func<T, bool>? ReadAny()
        {
            var left = ReadEach();
            while (left is not null && TakeJoiner("or"))
            {
                var (first, second) = (left, ReadEach());
                left = second is null ? null : row => first(row) || second(row);
            }

            return left;
        }

        private Func<T, bool>? ReadEach()
        {
            var left = ReadOne();
            while (left is not null && Current is { } next && next is not { Kind: FilterTokenKind.Close } and not { Kind: FilterTokenKind.Joiner, Text: "or" })
            {
                TakeJoiner("and");
                var (first, second) = (left, ReadOne());
                left = second is null ? null : row => first(row) && second(row);
            }

            return left;
        }

        private Func<T, bool>? ReadOne()
        {
            if (++_depth > MaxDepth) return Fail(Current, "It is nested too deeply", $"At most {MaxDepth} levels.");
            try
            {
                if (TakeJoiner("not")) return ReadOne() is { } test ? row => !test(row) : null;
                if (Current is not { } token) return Fail(null, "It ends where a test should stand", language.ExpectedTest);
                _at++;
                return token.Kind switch
                {
                    FilterTokenKind.Open => ReadGroup(),
                    FilterTokenKind.Unclosed => Fail(token, "The quote is not closed", "Close it with \"."),
                    FilterTokenKind.Quoted => ReadAlone(token),
                    FilterTokenKind.Word => Current is { Kind: FilterTokenKind.Operator } comparison ? ReadComparison(token, comparison) : ReadAlone(token),
                    _ => Fail(token, $"'{token.Text}' has no place here", language.ExpectedTest),
                };
            }
            finally
            {
                _depth--;
            }
        }

        private Func<T, bool>? ReadGroup()
        {
            var test = ReadAny();
            if (test is null) return null;
            if (Current is not { Kind: FilterTokenKind.Close }) return Fail(Current, "A parenthesis is not closed", "Close it with ')'.");
            _at++;
            return test;
        }

        private Func<T, bool>? ReadComparison(FilterToken name, FilterToken symbol)
        {
            _at++;
            if (language.Find(name.Text) is not { } field) return Fail(name, $"'{name.Text}' is no field", language.ExpectedTest);
            var comparison = Enum.GetValues<FilterOperator>().First(candidate => Symbol(candidate) == symbol.Text);
            if (!field.Operators.Contains(comparison))
                return Fail(symbol, $"'{field.Name}' cannot be compared by '{symbol.Text}'", $"It takes {string.Join(' ', field.Operators.Select(Symbol))}.");
            if (Current is not { Kind: FilterTokenKind.Word or FilterTokenKind.Quoted } value)
                return Fail(Current, $"'{field.Name} {symbol.Text}' has no value", $"Write {field.Name} {symbol.Text} VALUE.");
            _at++;
            var (test, expected) = field.Compile(comparison, value.Text);
            return test ?? Fail(value, $"'{value.Text}' is no value of '{field.Name}'", $"It is {expected}.");
        }

        private Func<T, bool>? ReadAlone(FilterToken word) =>
            language.FindAlone(word.Text) ?? Fail(word, $"'{word.Text}' says nothing by itself", language.ExpectedTest);

        private bool TakeJoiner(string word)
        {
            if (Current is not { Kind: FilterTokenKind.Joiner } joiner || joiner.Text != word) return false;
            _at++;
            return true;
        }

        private Func<T, bool>? Fail(FilterToken? at, string detail, string expected)
        {
            Detail = $"{detail} (at character {(at?.Start ?? end) + 1}).";
            Expected = expected;
            return null;
        }
    }

    private string ExpectedTest => $"A test is FIELD OPERATOR VALUE, such as {fields[0].Name} = VALUE; fields are {string.Join(", ", fields.Select(f => f.Name))}.";

    private Func<T, bool>? FindAlone(string word) => alone(word);
}

/// <summary>What could be written next in a filter.</summary>
/// <param name="Start">Where it would go.</param>
/// <param name="Length">How many characters it would take the place of.</param>
/// <param name="Words">The candidates, the likeliest first.</param>
internal sealed record FilterCompletion(int Start, int Length, IReadOnlyList<string> Words);
