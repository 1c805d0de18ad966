using Gateway.Web;

namespace Gateway.Components.Controls;

/// <summary>What a service refused of a form, given back to the inputs that it is about. What no input shows goes to the top of the form.</summary>
public sealed class FormErrors
{
    private readonly HashSet<string> _shown = new(StringComparer.Ordinal);
    private Failure? _failure;

    /// <summary>What no input shows.</summary>
    public Failure? Rest
    {
        get
        {
            if (_failure is null || _failure.Errors.Count == 0) return _failure;
            var rest = _failure.Errors.Where(e => !_shown.Contains(e.Field) && !_shown.Contains(FieldOf(e.Field))).ToList();
            return rest.Count == 0 ? null : _failure with { Errors = rest };
        }
    }

    /// <summary>Takes over what came of trying; null = all is well.</summary>
    public void Take(Failure? failure) => _failure = failure;

    /// <summary>Says that an input shows what is wrong with a field.</summary>
    public void ShowsItself(string field) => _shown.Add(field);

    /// <summary>What is wrong with a field; null = nothing.</summary>
    public string? Of(string field)
    {
        var errors = _failure?.Errors.Where(e => e.Field == field || FieldOf(e.Field) == field).Select(e => $"{e.Detail} {e.Expected}").ToList();
        return errors is { Count: > 0 } ? string.Join(' ', errors) : null;
    }

    // addresses[0] is about addresses.
    private static string FieldOf(string field) => field.Split('[', 2)[0];
}
