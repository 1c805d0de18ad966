using Gateway.Contracts;
using Gateway.Live.Filters;
using Gateway.Web;

namespace Gateway.Live;

/// <summary>Which rows of a live table, in which order, and how many: a query that has been read and checked.</summary>
/// <typeparam name="TAt">A row at the time of a look, as filters see it.</typeparam>
/// <typeparam name="TRow">The row that is sent.</typeparam>
internal sealed class RowQuery<TAt, TRow>
{
    public const int DefaultLimit = 200, MaxLimit = 1000;

    private readonly Func<TAt, bool> _test;
    private readonly Comparison<TRow> _order;
    private readonly Func<TAt, TRow> _rowOf;
    private readonly Func<TRow, string> _idOf;

    private RowQuery(Func<TAt, bool> test, Comparison<TRow> order, int limit, Func<TAt, TRow> rowOf, Func<TRow, string> idOf) =>
        (_test, _order, Limit, _rowOf, _idOf) = (test, order, limit, rowOf, idOf);

    /// <summary>How many rows at most.</summary>
    public int Limit { get; }

    /// <summary>Reads the three parts; all that is wrong with them at once.</summary>
    public static Outcome<RowQuery<TAt, TRow>> Read(
        FilterLanguage<TAt> language, Func<string, Comparison<TRow>?> orders, IReadOnlyList<string> sorts, string defaultSort,
        Func<TAt, TRow> rowOf, Func<TRow, string> idOf, string? filter, string? sort, int? limit)
    {
        var errors = new List<FieldError>();
        if (!language.Parse(filter).Succeeded(out var test, out var failure)) errors.AddRange(failure.Errors);
        sort = string.IsNullOrEmpty(sort) ? defaultSort : sort;
        var isDescending = sort[0] == '-';
        var order = orders(sort.TrimStart('-'));
        if (order is null) errors.Add(new FieldError("sort", $"'{sort}' is no sort key.", $"It is one of {string.Join(", ", sorts)}; with '-' before it the largest comes first."));
        if (limit is < 1 or > MaxLimit) errors.Add(new FieldError("limit", $"{limit} is out of range.", $"It is 1 to {MaxLimit}; left out, {DefaultLimit}."));
        if (errors.Count > 0) return Failure.Of(FailureKind.Malformed, errors);
        // Equal rows keep one order, so that a table does not flicker.
        Comparison<TRow> full = (a, b) =>
        {
            var result = isDescending ? order!(b, a) : order!(a, b);
            return result != 0 ? result : string.CompareOrdinal(idOf(a), idOf(b));
        };
        return new RowQuery<TAt, TRow>(test!, full, limit ?? DefaultLimit, rowOf, idOf);
    }

    /// <summary>The first rows in order, and how many match in all.</summary>
    public (IReadOnlyList<TRow> Rows, int Matching) First(IReadOnlyList<TAt> all)
    {
        // The worst of the best so far is on top, ready to be replaced: no need to sort what will not be sent.
        var best = new PriorityQueue<TRow, TRow>(Comparer<TRow>.Create((a, b) => _order(b, a)));
        var matching = 0;
        foreach (var at in all)
        {
            if (!_test(at)) continue;
            matching++;
            var row = _rowOf(at);
            if (best.Count < Limit) best.Enqueue(row, row);
            else best.EnqueueDequeue(row, row);
        }

        var rows = new TRow[best.Count];
        for (var i = rows.Length - 1; i >= 0; i--) rows[i] = best.Dequeue();
        return (rows, matching);
    }

    /// <summary>One page of all rows. The rows move while one pages: a page goes on behind the row that ended the one before, wherever it is now.</summary>
    public Outcome<Page<TRow>> Page(IReadOnlyList<TAt> all, string? cursor)
    {
        if (!Cursors.Read(Limit, cursor).Succeeded(out var page, out var failure)) return failure;
        var rows = all.Where(_test).Select(_rowOf).ToList();
        rows.Sort(_order);
        var start = 0;
        if (page.After is { } after)
        {
            var parts = after.Split('|', 2);
            if (parts.Length != 2 || !int.TryParse(parts[0], System.Globalization.CultureInfo.InvariantCulture, out var offset) || offset < 0)
                return Failure.Of(FailureKind.Malformed, "cursor", "It is not one that this list gave.", "Send nextCursor of the page before.");
            var index = rows.FindIndex(row => _idOf(row) == parts[1]);
            start = index >= 0 ? index + 1 : Math.Min(offset, rows.Count);
        }

        var items = rows.GetRange(start, Math.Min(Limit + 1, rows.Count - start));
        return Cursors.ToPage(items, Limit, row => row, row => $"{start + Limit}|{_idOf(row)}");
    }
}
