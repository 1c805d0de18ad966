using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Gateway.Contracts;

namespace Gateway.Web;

/// <summary>
/// A request body that is read strictly: unknown and repeated members and wrong types are refused, all at once and by name.
/// A POST reads the document, a PATCH merges it into the current one (RFC 7396); both then meet the same rules.
/// </summary>
internal sealed class JsonBody<T> where T : class, new()
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.Strict,
        PropertyNameCaseInsensitive = false,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    private static readonly JsonDocumentOptions StrictDocument = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    private readonly JsonObject _document;
    private readonly Failure? _failure;

    private JsonBody(JsonObject document, Failure? failure) => (_document, _failure) = (document, failure);

    /// <summary>A document made here: what a form changes.</summary>
    public static JsonBody<T> Of(params ReadOnlySpan<(string Member, object? Value)> members)
    {
        var document = new JsonObject();
        foreach (var (member, value) in members) document[member] = JsonSerializer.SerializeToNode(value, Strict);
        return new JsonBody<T>(document, Check(document));
    }

    /// <summary>A document that is there already.</summary>
    public static JsonBody<T> Of(JsonObject document) => new(document, Check(document));

    /// <summary>Called by the framework.</summary>
    public static async ValueTask<JsonBody<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var type = context.Request.ContentType?.Split(';')[0].Trim();
        var isPatch = HttpMethods.IsPatch(context.Request.Method);
        if (!"application/json".Equals(type, StringComparison.OrdinalIgnoreCase)
            && !(isPatch && "application/merge-patch+json".Equals(type, StringComparison.OrdinalIgnoreCase)))
        {
            return Refuse(FailureKind.UnsupportedType, "Content-Type", type is null ? "There is none." : $"'{type}' is not read here.",
                isPatch ? "Send application/merge-patch+json or application/json." : "Send application/json.");
        }

        try
        {
            var node = await JsonNode.ParseAsync(context.Request.Body, documentOptions: StrictDocument, cancellationToken: context.RequestAborted);
            return node is JsonObject document
                ? new JsonBody<T>(document, Check(document))
                : Refuse(FailureKind.Malformed, "body", "It is not a JSON object.", $"Send an object with some of: {Members()}.");
        }
        catch (JsonException e)
        {
            return Refuse(FailureKind.Malformed, "body", $"It is not valid JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}), or a member is repeated.",
                "Send one JSON object.");
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return Refuse(FailureKind.TooLarge, "body", "It is too large.", "Send less than 1 MiB.");
        }
    }

    /// <summary>The document by itself.</summary>
    public Outcome<T> Read() => MergeInto(new T());

    /// <summary>Whether the body has this member, whatever its value.</summary>
    public bool Has(string member) => _document.ContainsKey(member);

    /// <summary>The current document with this one merged in: null removes a member, all else replaces it (RFC 7396).</summary>
    public Outcome<T> MergeInto(T current)
    {
        if (_failure is not null) return _failure;
        var merged = JsonSerializer.SerializeToNode(current, Strict)!.AsObject();
        foreach (var (name, value) in _document) merged[name] = value?.DeepClone();
        return merged.Deserialize<T>(Strict)!;
    }

    private static Failure? Check(JsonObject document)
    {
        var errors = new List<FieldError>();
        var members = Info().Properties.ToDictionary(p => p.Name, StringComparer.Ordinal);
        foreach (var (name, value) in document)
        {
            if (!members.TryGetValue(name, out var member))
            {
                errors.Add(new FieldError(name, "There is no such member that can be set here.", $"Members are: {Members()}."));
                continue;
            }

            if (value is null) continue;
            try
            {
                value.Deserialize(member.PropertyType, Strict);
            }
            catch (JsonException)
            {
                errors.Add(new FieldError(name, $"{Shorten(value)} is of the wrong type.", $"It is {Describe(member.PropertyType)}."));
            }
        }

        return errors.Count > 0 ? Failure.Of(FailureKind.Malformed, errors) : null;
    }

    private static JsonTypeInfo Info() => Strict.GetTypeInfo(typeof(T));

    private static string Members() => Members(typeof(T));

    private static string Members(Type type) => string.Join(", ", Strict.GetTypeInfo(type).Properties.Select(p => p.Name));

    private static string Shorten(JsonNode value)
    {
        var text = value.ToJsonString();
        return text.Length <= 40 ? text : text[..40] + "…";
    }

    private static string Describe(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) => "a text",
        var t when t == typeof(int) || t == typeof(long) => "a whole number",
        var t when t == typeof(bool) => "true or false",
        var t when t == typeof(DateTimeOffset) => "a time such as 2030-01-31T12:00:00Z",
        var t when t == typeof(IReadOnlyList<Guid>) => "an array of ids",
        var t when t == typeof(IReadOnlyList<string>) => "an array of texts",
        var t when t.IsGenericType => $"an array of objects with {Members(t.GenericTypeArguments[0])}",
        var t => $"an object with some of: {Members(t)}",
    };

    private static JsonBody<T> Refuse(FailureKind kind, string field, string detail, string expected) =>
        new([], Failure.Of(kind, field, detail, expected));
}
