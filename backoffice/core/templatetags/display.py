"""How values look: money, numbers, instants, durations, states."""

from django import template

register = template.Library()
