using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Security;

namespace Gateway.Features.Audit;

/// <summary>Makes the documents that the audit keeps: only what changes, and of a secret only whether it is set.</summary>
internal static class AuditDocuments
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public static PlannedChange Compare(string action, string subject, object? before, object? after)
    {
        var (old, @new) = (Read(before), Read(after));
        if (old is not null && @new is not null)
        {
            foreach (var name in old.Select(p => p.Key).Intersect(@new.Select(p => p.Key)).ToList())
            {
                if (!JsonNode.DeepEquals(old[name], @new[name])) continue;
                old.Remove(name);
                @new.Remove(name);
            }
        }

        HideSecrets(old, before);
        HideSecrets(@new, after);
        return new PlannedChange(action, subject, old, @new);
    }

    public static AuditEntry ToEntry(PlannedChange change, CallerIdentity caller, DateTimeOffset now, long? revision) => new()
    {
        Id = Guid.CreateVersion7(now),
        At = now.UtcTicks,
        ActorKind = caller.Kind,
        ActorId = caller.Id,
        Actor = caller.Name,
        From = caller.From?.ToString(),
        Action = change.Action,
        Subject = change.Subject,
        Before = change.Before?.ToJsonString(),
        After = change.After?.ToJsonString(),
        Revision = revision,
    };

    private static JsonObject? Read(object? document) => document is null ? null : JsonSerializer.SerializeToNode(document, document.GetType(), Json)!.AsObject();

    private static void HideSecrets(JsonObject? json, object? document)
    {
        if (json is null) return;
        foreach (var property in document!.GetType().GetProperties().Where(p => p.GetCustomAttribute<SecretAttribute>() is not null))
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (json.ContainsKey(name)) json[name] = "(set)";
        }
    }
}
